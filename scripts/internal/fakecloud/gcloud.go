package fakecloud

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func (f *fake) gcloud() error {
	w := f.words()
	switch {
	case f.is("run", "services", "list"):
		return f.listServices()
	case f.is("run", "services", "update-traffic"):
		return f.updateTraffic(w[3])
	case f.is("storage", "cp"):
		return f.copyObjects(w[2:len(w)-1], w[len(w)-1])
	case f.is("storage", "cat"):
		raw, err := os.ReadFile(f.object(w[2]))
		fmt.Printf("%s", raw)
		return err
	case f.is("storage", "rm"):
		return os.Remove(f.object(w[2]))
	case f.is("storage", "objects", "list"):
		if _, err := os.Stat(f.object(w[3])); err == nil {
			fmt.Println(w[3])
		}
		return nil
	case f.is("auth"):
		fmt.Println("the-" + w[1])
		return nil
	case f.is("services", "list"), f.is("iam", "service-accounts", "list"), f.is("builds", "triggers", "list"):
		fmt.Print(f.read(f.kind()))
		return nil
	case f.is("services", "enable"):
		return f.add(w[2:]...)
	case f.is("iam", "service-accounts", "create"), f.is("builds", "triggers", "create"):
		return f.add(w[3])
	case f.is("storage", "buckets"):
		return f.buckets(w[2])
	case f.is("projects", "get-iam-policy"), f.is("iam", "service-accounts", "get-iam-policy"):
		fmt.Println(`{"bindings": [` + strings.TrimPrefix(f.read("policy/"+w[len(w)-1]), ",") + `]}`)
		return nil
	case f.is("projects", "add-iam-policy-binding"), f.is("iam", "service-accounts", "add-iam-policy-binding"):
		return f.bind(w[len(w)-1])
	case f.is("secrets"):
		return f.secrets(w[1:])
	}
	return fmt.Errorf("gcloud %s is not known", strings.Join(w, " "))
}

// kind is the name of what a command lists or makes: its second but last word, as gcloud's groups are called.
func (f *fake) kind() string {
	w := f.words()
	return strings.Join(w[:slices.IndexFunc(w, func(s string) bool { return s == "list" || s == "create" || s == "enable" })], "-")
}

func (f *fake) add(names ...string) error {
	f.write(f.kind(), f.read(f.kind())+strings.Join(names, "\n")+"\n")
	return nil
}

// object is where an object is kept: gs://bucket/name.
func (f *fake) object(url string) string {
	return f.path("objects/" + strings.TrimPrefix(url, "gs://"))
}

func (f *fake) local(name string) string {
	if strings.HasPrefix(name, "gs://") {
		return f.object(name)
	}
	return name
}

func (f *fake) copyObjects(from []string, to string) error {
	_, keep := f.flag("no-clobber")
	generation, fresh := f.flag("if-generation-match")
	for _, pattern := range from {
		files, err := filepath.Glob(f.local(pattern))
		if err != nil || len(files) == 0 {
			return fmt.Errorf("%s matched no objects or files", pattern)
		}
		for _, file := range files {
			target := f.local(to)
			if strings.HasSuffix(to, "/") {
				target = filepath.Join(target, filepath.Base(file))
			}
			_, err := os.Stat(target)
			switch exists := err == nil; {
			case exists && keep:
				continue
			case exists && fresh && generation == "0":
				return errors.New("HTTPError 412: at least one of the pre-conditions you specified did not hold")
			}
			raw, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
				return err
			}
			if err := os.WriteFile(target, raw, 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *fake) buckets(verb string) error {
	switch verb {
	case "list":
		fmt.Println("[" + f.read("bucket") + "]")
	case "create":
		f.write("bucket", `{"uniform_bucket_level_access": true, "public_access_prevention": "enforced"}`)
	case "update":
		f.write("bucket", `{"uniform_bucket_level_access": true, "public_access_prevention": "enforced", "versioning_enabled": true}`)
	}
	return nil
}

func (f *fake) bind(resource string) error {
	role, _ := f.flag("role")
	member, _ := f.flag("member")
	binding := map[string]any{"role": role, "members": []string{member}}
	if c, _ := f.flag("condition"); c != "" && c != "None" {
		_, expression, _ := strings.Cut(c, "#expression=")
		binding["condition"] = map[string]string{"expression": expression}
	}
	raw, err := json.Marshal(binding)
	if err != nil {
		return err
	}
	f.write("policy/"+resource, f.read("policy/"+resource)+","+string(raw))
	return nil
}

func (f *fake) secrets(w []string) error {
	switch {
	case w[0] == "list":
		filter, _ := f.flag("filter")
		name := strings.TrimSuffix(strings.TrimPrefix(filter, "name~/"), "$")
		if _, err := os.Stat(f.path("secrets/" + name)); err == nil {
			fmt.Println(name)
		}
	case w[0] == "create":
		f.write("secrets/"+w[1], "")
	case w[1] == "add":
		value, err := io.ReadAll(os.Stdin)
		if err != nil {
			return err
		}
		if _, err := os.Stat(f.path("secrets/" + w[2])); err != nil {
			return errors.New("NOT_FOUND: the secret")
		}
		f.write("secrets/"+w[2], f.read("secrets/"+w[2])+string(value)+"\n")
	case w[1] == "list":
		if f.read("secrets/"+w[2]) != "" {
			fmt.Println("1")
		}
	}
	return nil
}
