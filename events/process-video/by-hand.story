record v1 processing
fetch uploads/u1/v1 every 1000 ms
progress v1 10 %
progress v1 50 %
store frames/u1/v1.zip 12 frames
status v1 processing -> done
publish v1 done
note v1 published
reply {"batchItemFailures":[]}
