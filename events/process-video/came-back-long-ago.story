get 0190a6a0-7c1e-7000-8000-0000000000a1 !! dynamodb GetItem: ThrottlingException (400)
send {"video_id":"0190a6a0-7c1e-7000-8000-0000000000a1","user_id":"0190a6a0-7c1e-7000-8000-000000000001","key":"uploads/0190a6a0-7c1e-7000-8000-000000000001/0190a6a0-7c1e-7000-8000-0000000000a1","email":"ana@example.com","every_ms":1000,"mode":"exact","postponements":1} in 2 s
reply {"batchItemFailures":[]}
