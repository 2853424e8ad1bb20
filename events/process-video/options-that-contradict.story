dead-letter "{\"video_id\": \"v1\", \"user_id\": \"u1\", \"hdr\": \"keep\"}": the message is not a job: hdr keep needs format png at line 1 column 50
reply {"batchItemFailures":[]}
