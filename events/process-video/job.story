update 0190a6a0-7c1e-7000-8000-0000000000a1: attempt (id-1 2026-01-01T12:01:00Z), status queued -> processing
fetch uploads/0190a6a0-7c1e-7000-8000-000000000001/0190a6a0-7c1e-7000-8000-0000000000a1 every 1000 ms
update 0190a6a0-7c1e-7000-8000-0000000000a1: progress 0 -> 10
update 0190a6a0-7c1e-7000-8000-0000000000a1: progress 10 -> 50
store frames/0190a6a0-7c1e-7000-8000-000000000001/0190a6a0-7c1e-7000-8000-0000000000a1/id-1.zip 12 frames
update 0190a6a0-7c1e-7000-8000-0000000000a1: bytes_read 1000000, frames 0 -> 12, moments 12, poster_key frames/0190a6a0-7c1e-7000-8000-000000000001/0190a6a0-7c1e-7000-8000-0000000000a1/id-1/poster.jpg, progress 50 -> 100, status processing -> done, storyboard_key frames/0190a6a0-7c1e-7000-8000-000000000001/0190a6a0-7c1e-7000-8000-0000000000a1/id-1/storyboard.vtt, unpublished false -> true, zip_key frames/0190a6a0-7c1e-7000-8000-000000000001/0190a6a0-7c1e-7000-8000-0000000000a1/id-1.zip, zip_size 1000
publish 0190a6a0-7c1e-7000-8000-0000000000a1 done
update 0190a6a0-7c1e-7000-8000-0000000000a1: unpublished true -> false
reply {"batchItemFailures":[]}
