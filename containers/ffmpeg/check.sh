#!/usr/bin/env bash
# Says whether an ffmpeg is what build.sh means it to be: static, under the LGPL, blind to playlists,
# with all that fotograma asks of it, and able to decode. The first thing that is not so ends it with status 1.
#
#   check.sh FFMPEG [FFPROBE]
set -euo pipefail

clips=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/clips
ffmpeg=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

wrong() {
  printf 'check.sh: %s\n' "$*" >&2
  exit 1
}

# Frames of a video as PNGs, one after the other.
pngs() {
  "$ffmpeg" -v error -xerror -nostdin -i "$1" -f image2pipe -c:v png pipe:1
}

for program in "$@"; do
  elf=$(readelf -hldW "$program")
  [[ $elf == *"Type: "*DYN* && $elf == *FLAGS_1*PIE* ]] || wrong "$program is not position-independent"
  [[ $elf != *INTERP* && $elf != *"(NEEDED)"* ]] || wrong "$program is not static"
  [[ $elf == *GNU_RELRO* && $elf == *FLAGS_1*NOW* ]] || wrong "$program can be written to where it links"
  licence=$("$program" -hide_banner -L)
  [[ $licence == *"GNU Lesser General Public"* ]] || wrong "$program is not under the LGPL"
done

demuxers=$("$ffmpeg" -hide_banner -demuxers | awk 'listed { print $2 } $1 ~ /^---?$/ { listed = 1 }' | tr , '\n')
grep -qx mov <<<"$demuxers" || wrong "the demuxers cannot be told from: $demuxers"
for demuxer in hls concat dash sdp rtsp; do
  ! grep -qx "$demuxer" <<<"$demuxers" || wrong "there is the demuxer $demuxer"
done

# What the engine's arguments name (engine/src/ffmpeg, engine/src/strategy).
has() {
  local kind=$1 listed name
  shift
  listed=$("$ffmpeg" -hide_banner "-$kind" | awk '{ print $1; print $2 }')
  for name in "$@"; do
    grep -qx "$name" <<<"$listed" || wrong "there is no $name among its $kind"
  done
}
has filters select scale colorspace format setpts settb split crop tpad tblend setsar bwdif estdif sidedata lut3d \
  lut1d setparams
has encoders mjpeg png libwebp rawvideo
has muxers nut framecrc null
has decoders libdav1d libvpx libvpx-vp9 rawvideo png webp
has demuxers nut rawvideo image2pipe
has bsfs noise

# hevc.mp4, vp9.webm and av1.mkv are lossless copies of what h264.mp4 shows: four decoders, one
# sequence of pixels, and that of ten frames.
for clip in "$clips"/*; do
  name=${clip##*/}
  pngs "$clip" >"$work/$name.png" || wrong "$name does not decode"
  frames=$(grep -ac IHDR "$work/$name.png" || true)
  [ "$frames" = 10 ] || wrong "$name decodes to $frames frames, not 10"
  cmp -s "$work/$name.png" "$work/first.png" || [ ! -e "$work/first.png" ] || wrong "$name decodes to other pixels"
  cp "$work/$name.png" "$work/first.png"
done

# A playlist under a video's name, beside a video that it names.
cp "$clips/h264.mp4" "$work/other.mp4"
printf 'ffconcat version 1.0\nfile other.mp4\n' >"$work/concat.mp4"
printf '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nother.mp4\n#EXT-X-ENDLIST\n' >"$work/hls.mp4"
for playlist in concat.mp4 hls.mp4; do
  ! pngs "$work/$playlist" >/dev/null 2>&1 || wrong "the playlist $playlist was followed"
done

version=$("$ffmpeg" -version)
printf '%s: static, LGPL, no playlists, %d clips decoded\n' "$(head -n 1 <<<"$version" | cut -d ' ' -f 1-3)" \
  "$(find "$clips" -type f | wc -l)" >&2
