package workflows

import (
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// location checks the name of a location, which must be the engine's; its
// project may be given by id or number, and - stands for any.
func (a *api) location(name string) error {
	p := strings.Split(name, "/")
	if len(p) != 4 || p[0] != "projects" || p[2] != "locations" {
		return status.Errorf(codes.InvalidArgument, "%q is not projects/P/locations/L", name)
	}
	o := a.engine.options
	if p[1] != o.Project && p[1] != o.ProjectNumber && p[1] != "-" || p[3] != o.Location && p[3] != "-" {
		return status.Errorf(codes.NotFound, "%s does not exist: the local engine serves %s", name, a.locationName())
	}
	return nil
}

func (a *api) locationName() string {
	return "projects/" + a.engine.options.Project + "/locations/" + a.engine.options.Location
}

// resource gives the id in the name of something that belongs to a location.
func (a *api) resource(name, kind string) (string, error) {
	location, id, ok := strings.Cut(name, "/"+kind+"/")
	if !ok || id == "" || strings.Contains(id, "/") {
		return "", status.Errorf(codes.InvalidArgument, "%q is not projects/P/locations/L/%s/ID", name, kind)
	}
	return id, a.location(location)
}

// workflow gives the id in a workflow's resource name.
func (a *api) workflow(name string) (string, error) { return a.resource(name, "workflows") }

// find looks up an execution by its resource name.
func (a *api) find(name string) (*execution, error) {
	parent, id, ok := strings.Cut(name, "/executions/")
	if !ok || id == "" {
		return nil, status.Errorf(codes.InvalidArgument, "%q is not projects/P/locations/L/workflows/W/executions/E", name)
	}
	workflow, err := a.workflow(parent)
	if err != nil {
		return nil, err
	}
	if ex := a.engine.store.get(a.engine.workflowName(workflow) + "/executions/" + id); ex != nil {
		return ex, nil
	}
	return nil, status.Errorf(codes.NotFound, "execution %s does not exist", name)
}
