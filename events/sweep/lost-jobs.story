send {"video_id":"0190a6a0-7c1e-7000-8000-0000000000b1","user_id":"0190a6a0-7c1e-7000-8000-000000000001","key":"uploads/0190a6a0-7c1e-7000-8000-000000000001/0190a6a0-7c1e-7000-8000-0000000000b1","email":"ana@example.com","every_ms":1000,"mode":"exact"}
note 0190a6a0-7c1e-7000-8000-0000000000b1 swept
send {"video_id":"0190a6a0-7c1e-7000-8000-0000000000b2","user_id":"0190a6a0-7c1e-7000-8000-000000000001","key":"uploads/0190a6a0-7c1e-7000-8000-000000000001/0190a6a0-7c1e-7000-8000-0000000000b2","email":"ana@example.com","every_ms":1000,"mode":"exact","etag":"\"etag\""}
note 0190a6a0-7c1e-7000-8000-0000000000b2 swept
reply null
