insert v1: status processing
fetch uploads/u1/v1 every 1000 ms, {"format":"png","hdr":"keep","repeat":true,"samples":"as-is","strict":true,"track":2}
store frames/u1/v1/id-1.zip 2 frames
update v1: bytes_read 1000000, frames 0 -> 2, moments 2, poster_key frames/u1/v1/id-1/poster.jpg, progress 0 -> 100, status processing -> done, storyboard_key frames/u1/v1/id-1/storyboard.vtt, unpublished false -> true, zip_key frames/u1/v1/id-1.zip, zip_size 1000
publish v1 done
update v1: unpublished true -> false
reply {"batchItemFailures":[]}
