package front

// Resting returns how many connections rest.
func (f *Front) Resting() int {
	f.rest.mu.Lock()
	defer f.rest.mu.Unlock()
	return len(f.rest.asleep)
}

// Tick is what time does every half a second.
func (f *Front) Tick() { f.rest.tick(f.tickOn()) }
