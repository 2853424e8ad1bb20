record v1 processing
fetch uploads/u1/v1 every 10000 ms, keyframes
store frames/u1/v1.zip 2 frames
status v1 processing -> done
publish v1 done
note v1 published
reply {"batchItemFailures":[]}
