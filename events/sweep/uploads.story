status 0190a6a0-7c1e-7000-8000-0000000000c1 awaiting_upload -> failed: its file was not uploaded in time
publish 0190a6a0-7c1e-7000-8000-0000000000c1 failed
note 0190a6a0-7c1e-7000-8000-0000000000c1 published
send {"video_id":"0190a6a0-7c1e-7000-8000-0000000000c2","user_id":"0190a6a0-7c1e-7000-8000-000000000001","key":"uploads/0190a6a0-7c1e-7000-8000-000000000001/0190a6a0-7c1e-7000-8000-0000000000c2","email":"ana@example.com","every_ms":1000,"mode":"exact","etag":"\"etag\""}
status 0190a6a0-7c1e-7000-8000-0000000000c2 awaiting_upload -> queued
reply null
