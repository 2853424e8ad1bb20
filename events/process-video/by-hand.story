insert v1: status processing
fetch uploads/u1/v1 every 1000 ms
update v1: progress 0 -> 10
update v1: progress 10 -> 50
store frames/u1/v1/id-1.zip 12 frames
update v1: bytes_read 1000000, frames 0 -> 12, moments 12, poster_key frames/u1/v1/id-1/poster.jpg, progress 50 -> 100, status processing -> done, storyboard_key frames/u1/v1/id-1/storyboard.vtt, unpublished false -> true, zip_key frames/u1/v1/id-1.zip, zip_size 1000
publish v1 done
update v1: unpublished true -> false
reply {"batchItemFailures":[]}
