record v1 processing
fetch uploads/u1/v1 every 1000 ms
store frames/u1/v1.zip 1 frames
status v1 processing -> done
publish v1 done
note v1 published
reply {"batchItemFailures":[{"itemIdentifier":"059f36b4-87a3-44ab-83d2-661975830a01"}]}
