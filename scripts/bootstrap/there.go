package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

func (b *bootstrap) apisThere(ctx context.Context) (bool, error) {
	out, err := b.Output(ctx, b.gcloud("services", "list", "--enabled", "--format=value(config.name)")...)
	enabled := strings.Fields(string(out))
	return !slices.ContainsFunc(apis, func(a string) bool { return !slices.Contains(enabled, a) }), err
}

// bucketThere looks among the project's own buckets: names are the whole world's, and another's bucket of this name must not
// get our state.
func (b *bootstrap) bucketThere(ctx context.Context) (bool, error) {
	out, err := b.Output(ctx, b.gcloud("storage", "buckets", "list", "--filter=name="+b.bucket(), "--format=json")...)
	if err != nil {
		return false, err
	}
	var list []struct {
		Versioned bool   `json:"versioning_enabled"`
		Uniform   bool   `json:"uniform_bucket_level_access"`
		Public    string `json:"public_access_prevention"`
	}
	if err := json.Unmarshal(out, &list); err != nil {
		return false, fmt.Errorf("read the list of buckets: %w", err)
	}
	if len(list) == 0 {
		return false, nil
	}
	if l := list[0]; !l.Versioned || !l.Uniform || l.Public != "enforced" {
		return false, fmt.Errorf("gs://%s is there but not safe for state: gcloud storage buckets update gs://%[1]s "+
			"--versioning --uniform-bucket-level-access --public-access-prevention", b.bucket())
	}
	return true, nil
}

func (b *bootstrap) accountThere(ctx context.Context) (bool, error) {
	out, err := b.Output(ctx, b.gcloud("iam", "service-accounts", "list", "--filter=email="+b.deployer(), "--format=value(email)")...)
	return len(out) > 0, err
}

// policy is an IAM policy, as gcloud shows it.
type policy struct {
	Bindings []struct {
		Role      string
		Members   []string
		Condition struct{ Expression string }
	}
}

func (b *bootstrap) bound(ctx context.Context, member, role, condition string, command ...string) (bool, error) {
	out, err := b.Output(ctx, command...)
	if err != nil {
		return false, err
	}
	var p policy
	if err := json.Unmarshal(out, &p); err != nil {
		return false, fmt.Errorf("read the policy: %w", err)
	}
	for _, x := range p.Bindings {
		if x.Role != role || !slices.Contains(x.Members, member) {
			continue
		}
		if x.Condition.Expression == condition {
			return true, nil
		}
		if condition != "" && x.Condition.Expression == "" {
			return false, errors.New(member + " has " + role + " without a condition, which makes one meaningless: take that away first")
		}
	}
	return false, nil
}

func (b *bootstrap) roleThere(member string, r role) func(context.Context) (bool, error) {
	return func(ctx context.Context) (bool, error) {
		return b.bound(ctx, member, r.Role, r.condition(), "gcloud", "projects", "get-iam-policy", b.project, "--format=json", "--quiet")
	}
}

const tokens = "roles/iam.serviceAccountOpenIdTokenCreator"

func (b *bootstrap) tokensThere(member string) func(context.Context) (bool, error) {
	return func(ctx context.Context) (bool, error) {
		return b.bound(ctx, member, tokens, "", b.gcloud("iam", "service-accounts", "get-iam-policy", b.deployer(), "--format=json")...)
	}
}

func (b *bootstrap) secretThere(name string) func(context.Context) (bool, error) {
	return func(ctx context.Context) (bool, error) {
		out, err := b.Output(ctx, b.gcloud("secrets", "list", "--filter=name~/"+name+"$", "--format=value(name)")...)
		return len(out) > 0, err
	}
}

func (b *bootstrap) valueThere(name string) func(context.Context) (bool, error) {
	return func(ctx context.Context) (bool, error) {
		if slices.Contains(b.newSecrets, name) {
			return false, nil
		}
		out, err := b.Output(ctx, b.gcloud("secrets", "versions", "list", name, "--filter=state=ENABLED", "--limit=1", "--format=value(name)")...)
		return len(out) > 0, err
	}
}
