record café 1.mp4 processing
fetch uploads/u1/café 1.mp4 every 1000 ms
store frames/u1/café 1.mp4.zip 2 frames
status café 1.mp4 processing -> done
publish café 1.mp4 done
note café 1.mp4 published
reply {"batchItemFailures":[]}
