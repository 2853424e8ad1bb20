dead-letter "{\"video_id\": \"v1\", \"user_id\": \"u1\", \"hdr\": \"keep\"}": hdr keep needs format png
reply {"batchItemFailures":[]}
