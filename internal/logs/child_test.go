package logs

func child(mode string) {}
