// Package cloudtest gives the tests of a package Google's cloud on this machine: its emulators with a project of the
// package's own, functions served by the real functions framework, services by rpc, workflows by the local engine,
// tokens by the local issuer. Everything is reached over loopback by the official clients; nothing here is a mock.
//
//	func TestMain(m *testing.M) { cloudtest.Main(m, cloudtest.Issuer) }
package cloudtest
