// Command probe is the smallest pod that can be asked something over HTTP on port 8080:
// / answers with its host name, /lookup?name=N with the addresses of N, one a line.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
)

func main() {
	http.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) {
		name, _ := os.Hostname()
		fmt.Fprintln(w, name)
	})
	http.HandleFunc("/lookup", func(w http.ResponseWriter, r *http.Request) {
		addresses, err := net.DefaultResolver.LookupHost(r.Context(), r.URL.Query().Get("name"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		slices.Sort(addresses)
		for _, address := range addresses {
			fmt.Fprintln(w, address)
		}
	})
	if err := http.ListenAndServe(":8080", nil); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
