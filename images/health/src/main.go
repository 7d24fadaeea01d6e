// Http-health exits 0 when a GET of the URL it is given is answered with a status below 500 (or with the one that
// -status names).
package main

import (
	"flag"
	"fmt"
	"log"
	"net/http"
	"time"
)

var version = "unknown"

func main() {
	log.SetFlags(0)
	showVersion := flag.Bool("version", false, "print the version and exit")
	status := flag.Int("status", 0, "the status that is expected; any below 500 when not given")
	timeout := flag.Duration("timeout", 5*time.Second, "how long to wait")
	flag.Parse()
	if *showVersion {
		fmt.Println("http-health", version)
		return
	}
	if flag.NArg() != 1 {
		log.Fatal("usage: http-health [-status N] [-timeout D] URL")
	}
	if err := check(flag.Arg(0), *status, *timeout); err != nil {
		log.Fatal(err)
	}
}

func check(url string, status int, timeout time.Duration) error {
	client := http.Client{
		Timeout: timeout,
		// a redirect is an answer; where it leads is somebody else's health
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	answer, err := client.Get(url)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if status != 0 && answer.StatusCode != status || status == 0 && answer.StatusCode >= 500 {
		return fmt.Errorf("%s answered %s", url, answer.Status)
	}
	return nil
}
