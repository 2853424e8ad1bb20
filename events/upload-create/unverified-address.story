sign-put uploads/0190a6a0-7c1e-7000-8000-000000000001/id-1 1048576 bytes of video/mp4 for 900 s
ask-email ana
insert id-1: status awaiting_upload
reply 201 -> /videos/0190a6a0-7c1e-7000-8000-000000000001/id-1 {"expires_at":"2026-01-01T12:15:00.000Z","headers":{"content-length":"1048576","content-type":"video/mp4"},"method":"PUT","url":"https://s3.example/uploads/0190a6a0-7c1e-7000-8000-000000000001/id-1?signed","video_id":"id-1"}
