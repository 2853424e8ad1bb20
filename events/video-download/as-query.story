sign-get frames/0190a6a0-7c1e-7000-8000-000000000001/0190a6a0-7c1e-7000-8000-0000000000a1.zip as holiday.zip for 43200 s
reply 200 {"expires_at":"2026-01-02T00:00:00.000Z","filename":"holiday.zip","url":"https://s3.example/frames/0190a6a0-7c1e-7000-8000-000000000001/0190a6a0-7c1e-7000-8000-0000000000a1.zip?signed"}
