// Package google runs Google's own Firestore and Pub/Sub emulators: it finds
// them where gcloud or the system's packages put them and starts them as plain
// java children on free loopback ports, without gcloud, login or network.
package google
