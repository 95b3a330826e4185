// Command program is gcloud, terraform, go or git, by the name that it is called by: what fakecloud says it does.
package main

import "orderflow.dev/scripts/internal/fakecloud"

func main() { fakecloud.Main() }
