package logs

// The size of a chunk, in bytes and records.
const (
	chunkText    = 32 << 10
	chunkRecords = 256
	chunkCost    = chunkText + chunkRecords*perRecord
)

// chunk is a run of records with memory of their own. Its memory never moves,
// so that a sink may read the front while the back still grows.
type chunk struct {
	lost    Loss // between the chunk before and this one
	text    []byte
	records []Record
	cost    int // bytes of memory
	next    *chunk
}

func newChunk(text int) *chunk {
	text = max(text, chunkText)
	return &chunk{text: make([]byte, 0, text), records: make([]Record, 0, chunkRecords), cost: text + chunkRecords*perRecord}
}

func (c *chunk) fits(text int) bool {
	return len(c.records) < chunkRecords && cap(c.text)-len(c.text) >= text
}

func (c *chunk) add(r *Record) {
	start := len(c.text)
	c.text = append(c.text, r.Text...)
	c.records = append(c.records, *r)
	c.records[len(c.records)-1].Text = c.text[start:len(c.text):len(c.text)]
}
