send {"video_id":"0190a6a0-7c1e-7000-8000-0000000000b1","user_id":"0190a6a0-7c1e-7000-8000-000000000001","key":"uploads/0190a6a0-7c1e-7000-8000-000000000001/0190a6a0-7c1e-7000-8000-0000000000b1","email":"ana@example.com","every_ms":1000,"mode":"exact","registered":true}
update 0190a6a0-7c1e-7000-8000-0000000000b1: resends 0 -> 1
send {"video_id":"0190a6a0-7c1e-7000-8000-0000000000b2","user_id":"0190a6a0-7c1e-7000-8000-000000000001","key":"uploads/0190a6a0-7c1e-7000-8000-000000000001/0190a6a0-7c1e-7000-8000-0000000000b2","email":"ana@example.com","every_ms":1000,"mode":"exact","etag":"\"etag\"","registered":true}
update 0190a6a0-7c1e-7000-8000-0000000000b2: resends 0 -> 1
reply null
