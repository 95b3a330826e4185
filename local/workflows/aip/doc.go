// Package aip answers list requests as Google's APIs do: which resources
// (filters, AIP-160), in which order (AIP-132), a page at a time (AIP-158). See
// https://google.aip.dev.
package aip
