package front

// Streams returns how many WebSockets and event streams are open.
func (f *Front) Streams() int { return f.pool.Streams() }
