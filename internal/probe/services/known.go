package services

import (
	"slices"
	"strings"
)

// destination says what a destination is; "" where nothing declares it.
func (k Known) destination(d Destination) string {
	for _, e := range k.Endpoints {
		if d.Address == e.Address {
			return e.Service
		}
	}
	colon := strings.LastIndexByte(d.Address, ':')
	if colon < 0 {
		return ""
	}
	ip, port := strings.Trim(d.Address[:colon], "[]"), d.Address[colon+1:]
	switch {
	case ip == k.Resolver && port == "53":
		return "the name server"
	case loopback(ip) && slices.Contains(k.Listening, d.Network+" "+port):
		return "itself"
	}
	return ""
}

func loopback(ip string) bool { return strings.HasPrefix(ip, "127.") || ip == "::1" }

// lookup says whose name it is; "" where nothing declares it. Asking backwards,
// for the name of an address, reaches nobody but the name server.
func (k Known) lookup(l Lookup) string {
	name := strings.ToLower(strings.TrimSuffix(l.Name, "."))
	for _, e := range k.Endpoints {
		if name == strings.ToLower(e.Host) {
			return e.Service
		}
	}
	switch {
	case name == k.Hostname, name == "localhost", strings.HasPrefix(name, k.Hostname+"."), name == "":
		return "itself"
	case strings.HasSuffix(name, ".arpa"):
		return "the name of an address"
	}
	return ""
}
