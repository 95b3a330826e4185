// Package architecture holds the tree to the rules that keep it easy to change. It is nothing but tests.
package architecture
