package worker

// roles are what this test binary does as a process of its own.
var roles = map[string]func() error{}
