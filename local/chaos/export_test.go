package chaos

// CutListeners cuts them now.
func (c *Chaos) CutListeners() { c.cutListeners(nil) }
