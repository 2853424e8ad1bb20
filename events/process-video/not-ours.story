dead-letter "{\"Records\": [{\"eventVersion\": \"2.1\", \"eventSource\": \"aws:s3\"": the event is of another bucket, somebody-elses
dead-letter "[\"software.amazon.payloadoffloading.PayloadS3Pointer\", {\"s3B": the body is a claim-check pointer of the extended client, to s3://payloads/2ab1e3c1-6b1a-4c3b-9a55-0b1f3e0c9d11; pointers are not followed
reply {"batchItemFailures":[]}
