update 0190a6a0-7c1e-7000-8000-0000000000a1: attempt (0190a6a0-7c1e-7000-8000-0000000000a1-1 2026-01-01T12:00:00Z), reason not allowed here, status queued -> failed, unpublished false -> true
publish 0190a6a0-7c1e-7000-8000-0000000000a1 failed
update 0190a6a0-7c1e-7000-8000-0000000000a1: unpublished true -> false
reply 200 {"created_at":"2026-01-01T12:00:00.000Z","every_ms":1000,"filename":"holiday.mp4","frames":0,"mode":"exact","progress":0,"reason":"not allowed here","size":1048576,"status":"failed","updated_at":"2026-01-01T12:00:00.000Z","user_id":"0190a6a0-7c1e-7000-8000-000000000001","video_id":"0190a6a0-7c1e-7000-8000-0000000000a1"}
