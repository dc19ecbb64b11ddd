package front

import "net/http"

// Code is a stable name for a way in which a request fails in the front. It
// stands in the log record, in the reply's body, in the X-Front-Error field and
// in the metrics.
type Code string

// The codes. F1x is the worker's side, F2x the client's, F3x a client that left.
const (
	NoWorker       Code = "F10"
	QueueFull      Code = "F11"
	FirstByte      Code = "F12"
	WorkerClosed   Code = "F13"
	ConnectFailed  Code = "F14"
	BadResponse    Code = "F15"
	QueueWait      Code = "F16"
	ResponseIdle   Code = "F17"
	ResponseCut    Code = "F18"
	BodyTooLarge   Code = "F20"
	HeaderTooLarge Code = "F21"
	SlowBody       Code = "F22"
	BadRequest     Code = "F23"
	BadBody        Code = "F24"
	TooMany        Code = "F25"
	ClientClosed   Code = "F30"
	ClientStalled  Code = "F31"
	StreamCut      Code = "F40"
)

// Meaning explains one code.
type Meaning struct {
	Code   Code
	Status int    // the HTTP status of the reply
	Short  string // the reply's text and the log's
	Means  string // for the documentation
}

// closedRequest is the status that logs show when the client left first.
const closedRequest = 499

// Codes lists every code, sorted.
var Codes = []Meaning{
	{NoWorker, http.StatusServiceUnavailable, "no worker is available", "No worker was in rotation, and none came while the request was parked."},
	{QueueFull, http.StatusServiceUnavailable, "the queue is full", "All workers were at their limit, and so was the queue in front of them."},
	{FirstByte, http.StatusGatewayTimeout, "no response in time", "The worker took the request but sent no byte of a response before the first-byte deadline."},
	{WorkerClosed, http.StatusBadGateway, "the worker closed the connection", "The worker ended the connection without a response, and the request could not be repeated safely."},
	{ConnectFailed, http.StatusBadGateway, "the worker refused the connection", "No connection to the worker could be made, nor to another one."},
	{BadResponse, http.StatusBadGateway, "the worker's response is malformed", "The worker's bytes are not an HTTP/1.1 response, or one that can be read in two ways."},
	{QueueWait, http.StatusServiceUnavailable, "no worker was free in time", "All workers stayed at their limit for as long as the request could wait."},
	{ResponseIdle, http.StatusGatewayTimeout, "the response stalled", "The worker began a response, then sent nothing for longer than the idle deadline. The client's connection is cut."},
	{ResponseCut, http.StatusBadGateway, "the response was cut short", "The worker's connection ended within the response. The client's connection is cut too, so that it shows."},
	{BodyTooLarge, http.StatusRequestEntityTooLarge, "the request's body is too large", "The body is larger than the limit."},
	{HeaderTooLarge, http.StatusRequestHeaderFieldsTooLarge, "the request's header is too large", "The request line and fields are larger than the limit."},
	{SlowBody, http.StatusRequestTimeout, "the request's body came too slowly", "The client sent its body below the minimal rate."},
	{BadRequest, http.StatusBadRequest, "the request cannot be forwarded", "The method or target cannot be forwarded, such as CONNECT or a target with a space."},
	{BadBody, http.StatusBadRequest, "the request's body is malformed", "The body's framing is wrong, or it ended early."},
	{TooMany, http.StatusServiceUnavailable, "too many connections", "The front holds as many connections as it may; the new one was closed."},
	{ClientClosed, closedRequest, "the client closed the connection", "The client left before the reply was complete. Nobody reads a reply; the status is for the log."},
	{ClientStalled, closedRequest, "the client stopped reading", "The client took nothing of the reply for longer than the idle deadline."},
	{StreamCut, closedRequest, "the stream was cut", "A tunnel or event stream was cut because its worker or the front ended and its time was over."},
}

// meaning returns the row of a code.
func (c Code) meaning() Meaning { return Codes[c.index()] }

// index returns the place of the code in Codes.
func (c Code) index() int {
	for i := range Codes {
		if Codes[i].Code == c {
			return i
		}
	}
	return 0
}
