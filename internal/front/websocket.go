package front

import "encoding/binary"

// frames follows one direction of a websocket (RFC 6455, section 5.2) and
// knows where a message ends. It looks at frame heads only; a payload is opaque,
// compressed or not.
type frames struct {
	head   [14]byte
	have   int    // bytes of the head so far
	left   uint64 // bytes of the payload to come
	open   bool   // within a message of several frames
	closed bool   // a close frame passed
}

// opcodes of control frames have this bit.
const (
	control     = 0x8
	opClose     = 0x8
	goingAway   = 1001 // RFC 6455, section 7.4.1
	finalBit    = 0x80
	maskBit     = 0x80
	lengthBits  = 0x7f
	twoBytes    = 126
	eightBytes  = 127
	maskingSize = 4
)

// at reports whether no frame and no message is under way.
func (f *frames) at() bool { return f.have == 0 && f.left == 0 && !f.open }

// headSize returns how long the head is, as far as the bytes so far tell.
func (f *frames) headSize() int {
	if f.have < 2 {
		return 2
	}
	size := 2
	switch f.head[1] & lengthBits {
	case twoBytes:
		size += 2
	case eightBytes:
		size += 8
	}
	if f.head[1]&maskBit != 0 {
		size += maskingSize
	}
	return size
}

func (f *frames) payload() uint64 {
	switch n := f.head[1] & lengthBits; n {
	case twoBytes:
		return uint64(binary.BigEndian.Uint16(f.head[2:]))
	case eightBytes:
		return binary.BigEndian.Uint64(f.head[2:])
	default:
		return uint64(n)
	}
}

// step takes bytes up to the end of the head or payload under way, and returns
// how many; more than none of a chunk that is not empty.
func (f *frames) step(chunk []byte) int {
	if f.left > 0 {
		n := min(f.left, uint64(len(chunk)))
		f.left -= n
		return int(n)
	}
	n := copy(f.head[f.have:f.headSize()], chunk)
	f.have += n
	if f.have < f.headSize() {
		return n
	}
	opcode, final := f.head[0]&0xf, f.head[0]&finalBit != 0
	if opcode&control == 0 {
		f.open = !final
	}
	f.closed = f.closed || opcode == opClose
	f.left, f.have = f.payload(), 0
	return n
}

// pass follows a whole chunk.
func (f *frames) pass(chunk []byte) {
	for len(chunk) > 0 {
		chunk = chunk[f.step(chunk):]
	}
}

// upToEnd follows the chunk to the next end of a message and returns the bytes
// up to there, and whether there is one.
func (f *frames) upToEnd(chunk []byte) ([]byte, bool) {
	n := 0
	for !f.at() {
		if n == len(chunk) {
			return chunk, false
		}
		n += f.step(chunk[n:])
	}
	return chunk[:n], true
}

// closeFrame is a close frame with status 1001. Towards a server it is masked,
// as it must be; a mask of zeros hides nothing and is as good as any here, since
// no client chose the payload.
func closeFrame(masked bool) []byte {
	frame := []byte{finalBit | opClose, 2}
	if masked {
		frame[1] |= maskBit
		frame = append(frame, 0, 0, 0, 0)
	}
	return binary.BigEndian.AppendUint16(frame, goingAway)
}
