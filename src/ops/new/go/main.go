// A web server that answers every request with a greeting, and with -health asks itself whether it does.
package main

import (
	"flag"
	"fmt"
	"log"
	"net/http"
	"time"
)

var version = "unknown"

const address = ":8080"

func main() {
	showVersion := flag.Bool("version", false, "print the version and exit")
	health := flag.Bool("health", false, "exit 0 when the server on this machine answers")
	flag.Parse()
	switch {
	case *showVersion:
		fmt.Println("version", version)
	case *health:
		client := http.Client{Timeout: 3 * time.Second}
		answer, err := client.Get("http://127.0.0.1" + address)
		if err != nil {
			log.Fatal(err)
		}
		answer.Body.Close()
	default:
		greet := func(out http.ResponseWriter, _ *http.Request) { fmt.Fprintln(out, "hello") }
		server := http.Server{Addr: address, Handler: http.HandlerFunc(greet), ReadHeaderTimeout: 5 * time.Second}
		log.Fatal(server.ListenAndServe())
	}
}
