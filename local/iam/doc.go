// Package iam enforces on this machine what Terraform grants in the cloud. A unit in a process of its own reaches stores,
// topics, workflows and services through a Guard: it lets through what the unit's function.yaml or service.yaml declares,
// refuses everything else in Google's words, and remembers what was used. So a role that is missing fails here, not in
// production, and one that nobody uses is found.
//
// A guard reads the first field of a call's first message, which in all of Google's methods used here names the resource,
// and passes everything on as it is.
package iam
