// Hello answers every request with a greeting, and with -health asks itself whether it does.
package main

import (
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"time"
)

var version = "unknown"

func main() {
	showVersion := flag.Bool("version", false, "print the version and exit")
	health := flag.Bool("health", false, "exit 0 when the server on this machine answers")
	flag.Parse()
	listen := os.Getenv("LISTEN")
	if listen == "" {
		listen = ":8080"
	}
	switch {
	case *showVersion:
		fmt.Println("hello", version)
	case *health:
		if err := ask(listen); err != nil {
			log.Fatal(err)
		}
	default:
		log.Fatal(serve(listen))
	}
}

func serve(listen string) error {
	server := http.Server{
		Addr:              listen,
		ReadHeaderTimeout: 5 * time.Second,
		Handler: http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) {
			fmt.Fprintln(out, "hello")
		}),
	}
	return server.ListenAndServe()
}

func ask(listen string) error {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return err
	}
	if host == "" {
		host = "127.0.0.1"
	}
	client := http.Client{Timeout: 3 * time.Second}
	answer, err := client.Get("http://" + net.JoinHostPort(host, port))
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("answered %s", answer.Status)
	}
	return nil
}
