package main

import (
	"fmt"
	"net"
	"time"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"orderflow.dev/internal/unit"
)

// cloud is Google Cloud with nothing in it, on loopback, so that nothing a bundle does leaves the machine. Firestore can
// be listened to, which inventory does before it is ready; any other call is answered UNIMPLEMENTED, at once.
type cloud struct {
	address string
	server  *grpc.Server
}

func startCloud() (*cloud, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &cloud{l.Addr().String(), grpc.NewServer()}
	firestorepb.RegisterFirestoreServer(c.server, emptyFirestore{})
	go func() { _ = c.server.Serve(l) }() // a bundle that does not reach it says so
	return c, nil
}

func (c *cloud) stop() { c.server.Stop() }

// environment is what Terraform gives a unit: what all units are given, and what this one's description asks for. A unit
// that requires anything else does not start here, nor there.
func (c *cloud) environment(u unit.Unit) []string {
	const project = "bundle-check"
	env := []string{
		"GOOGLE_CLOUD_PROJECT=" + project, "K_SERVICE=" + u.Name, "K_REVISION=" + u.Name + "-1", "K_CONFIGURATION=" + u.Name,
		"FIRESTORE_EMULATOR_HOST=" + c.address, "PUBSUB_EMULATOR_HOST=" + c.address, "WORKFLOWS_EMULATOR_HOST=" + c.address,
		"STORAGE_EMULATOR_HOST=http://" + c.address, "GCE_METADATA_HOST=" + c.address,
		"WORKFLOW_LOCATION=us-central1", "OIDC_ISSUER=http://" + c.address, "OIDC_AUDIENCE=" + project, "PAYMENT_PROVIDER_URL=http://" + c.address,
	}
	if !u.Service {
		env = append(env, "FUNCTION_TARGET="+u.Name, "FUNCTION_SIGNATURE_TYPE=http")
	}
	for _, b := range unit.Buckets {
		env = append(env, unit.BucketEnvName(b)+"="+unit.BucketName(project, b))
	}
	for _, name := range u.Calls {
		env = append(env, fmt.Sprintf("%s=http://%s", (&unit.Unit{Name: name}).EnvName(), c.address))
	}
	for _, name := range u.Secrets {
		env = append(env, name+"=bundle-check")
	}
	return env
}

type emptyFirestore struct {
	firestorepb.UnimplementedFirestoreServer
}

// Listen says that the target is current and that there is nothing in it.
func (emptyFirestore) Listen(s firestorepb.Firestore_ListenServer) error {
	req, err := s.Recv()
	if err != nil {
		return err
	}
	target := []int32{req.GetAddTarget().GetTargetId()}
	for _, change := range []*firestorepb.TargetChange{
		{TargetChangeType: firestorepb.TargetChange_ADD, TargetIds: target},
		{TargetChangeType: firestorepb.TargetChange_CURRENT, TargetIds: target},
		{TargetChangeType: firestorepb.TargetChange_NO_CHANGE, ReadTime: timestamppb.New(time.Now())},
	} {
		if err := s.Send(&firestorepb.ListenResponse{ResponseType: &firestorepb.ListenResponse_TargetChange{TargetChange: change}}); err != nil {
			return err
		}
	}
	<-s.Context().Done()
	return s.Context().Err()
}
