update 0190a6a0-7c1e-7000-8000-0000000000c1: attempt (0190a6a0-7c1e-7000-8000-0000000000c1-1 2026-01-01T12:00:00Z), reason its file was not uploaded in time, status awaiting_upload -> failed, unpublished false -> true
publish 0190a6a0-7c1e-7000-8000-0000000000c1 failed
update 0190a6a0-7c1e-7000-8000-0000000000c1: unpublished true -> false
update 0190a6a0-7c1e-7000-8000-0000000000c2: etag "etag", status awaiting_upload -> queued, unsent true
send {"video_id":"0190a6a0-7c1e-7000-8000-0000000000c2","user_id":"0190a6a0-7c1e-7000-8000-000000000001","key":"uploads/0190a6a0-7c1e-7000-8000-000000000001/0190a6a0-7c1e-7000-8000-0000000000c2","email":"ana@example.com","every_ms":1000,"mode":"exact","etag":"\"etag\"","registered":true}
update 0190a6a0-7c1e-7000-8000-0000000000c2: unsent removed
reply null
