begin-parts uploads/0190a6a0-7c1e-7000-8000-000000000001/id-1 of video/mp4
insert id-1: status awaiting_upload
reply 201 -> /videos/0190a6a0-7c1e-7000-8000-000000000001/id-1 {"expires_at":"2026-01-02T12:00:00.000Z","method":"PARTS","part_count":13,"part_size":8388608,"video_id":"id-1"}
