// Command s3 serves a directory as an S3-compatible service: versitygw's own
// server on its POSIX backend, without the parts that take minutes to compile.
//
//	s3 DIR SOCKET
//
// Each directory below DIR/buckets is a bucket. SOCKET is the path of a Unix
// socket. The one account is told by AWS_ACCESS_KEY_ID and
// AWS_SECRET_ACCESS_KEY. Prints "ready" when it serves, and ends when its
// standard input does, so that it does not outlive what started it.
package main

import (
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"github.com/versity/versitygw/auth"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/s3api"
	"github.com/versity/versitygw/s3api/middlewares"
)

const connections = 100

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: s3 DIR SOCKET")
	}
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	if err := serve(os.Args[1], os.Args[2]); err != nil {
		log.Fatal(err)
	}
}

func serve(dir, socket string) error {
	// Beside the objects, since not every file system that tests run on has
	// extended attributes.
	attributes := filepath.Join(dir, "attributes")
	buckets := filepath.Join(dir, "buckets")
	for _, made := range []string{attributes, buckets} {
		if err := os.MkdirAll(made, 0o755); err != nil {
			return err
		}
	}
	store, err := meta.NewSideCar(attributes)
	if err != nil {
		return err
	}
	objects, err := posix.New(buckets, store, posix.PosixOpts{SideCarDir: attributes})
	if err != nil {
		return err
	}
	account := auth.Account{
		Access: os.Getenv("AWS_ACCESS_KEY_ID"),
		Secret: os.Getenv("AWS_SECRET_ACCESS_KEY"),
		Role:   auth.RoleAdmin,
	}
	server, err := s3api.New(
		objects,
		middlewares.RootUserConfig{Access: account.Access, Secret: account.Secret},
		"auto", // the region's name at Cloudflare R2
		auth.NewIAMServiceSingle(account),
		nil, nil, nil, nil, // no logs, no events, no metrics
		s3api.WithQuiet(),
		s3api.WithConcurrencyLimiter(connections, connections),
		s3api.WithOnListen(func() { fmt.Println("ready") }),
	)
	if err != nil {
		return err
	}
	return server.ServeMultiPort([]string{socket})
}
