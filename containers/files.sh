#!/bin/sh
# Lays out the root folder of an image: what PROGRAM needs to run, and no more.
#   files.sh PROGRAM FOLDER
set -eu
program=$1 root=$2

# The loader and the libraries that the program names.
ldd "$program" | grep -o '/[^ ]*' | while read -r library; do
  install -D -m 755 "$(readlink -f "$library")" "$root$library"
done

install -D -m 644 /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
# Names are looked up in /etc/hosts, where engines write a container's own, and then by DNS.
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
echo 'nobody:x:10001:10001::/:/' >"$root/etc/passwd"
echo 'nobody:x:10001:' >"$root/etc/group"
install -d -m 1777 "$root/tmp"
install -d -o 10001 -g 10001 "$root/data"
# The same files give the same layer.
find "$root" -exec touch --no-dereference --date=@0 {} +
