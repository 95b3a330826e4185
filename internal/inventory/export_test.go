package inventory

// What tests look at from outside.
const (
	FreshFor     = freshFor
	WaitFor      = waitFor
	MaxGroup     = maxGroup
	GroupTimeout = groupTimeout
)
