update 0190a6a0-7c1e-7000-8000-0000000000a1: reason removed, round 0 -> 1, status failed -> queued, unsent true
send {"video_id":"0190a6a0-7c1e-7000-8000-0000000000a1","user_id":"0190a6a0-7c1e-7000-8000-000000000001","key":"uploads/0190a6a0-7c1e-7000-8000-000000000001/0190a6a0-7c1e-7000-8000-0000000000a1","email":"ana@example.com","every_ms":1000,"mode":"exact","round":1,"registered":true}
update 0190a6a0-7c1e-7000-8000-0000000000a1: unsent removed
reply 200 {"created_at":"2026-01-01T12:00:00.000Z","every_ms":1000,"filename":"holiday.mp4","frames":0,"mode":"exact","progress":0,"reason":null,"size":1048576,"status":"queued","updated_at":"2026-01-01T12:00:00.000Z","user_id":"0190a6a0-7c1e-7000-8000-000000000001","video_id":"0190a6a0-7c1e-7000-8000-0000000000a1"}
