update 0190a6a0-7c1e-7000-8000-0000000000a1: asked_resends 1
send {"video_id":"0190a6a0-7c1e-7000-8000-0000000000a1","user_id":"0190a6a0-7c1e-7000-8000-000000000001","key":"uploads/0190a6a0-7c1e-7000-8000-000000000001/0190a6a0-7c1e-7000-8000-0000000000a1","email":"ana@example.com","every_ms":1000,"mode":"exact","registered":true}
update 0190a6a0-7c1e-7000-8000-0000000000a1: unsent removed
reply null
