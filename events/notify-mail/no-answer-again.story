ask whether mails are taken
update 0190a6a0-7c1e-7000-8000-0000000000a1: deliveries [((id-1 2026-01-01T12:01:00Z) n1 1)]
sign-get frames/0190a6a0-7c1e-7000-8000-000000000001/0190a6a0-7c1e-7000-8000-0000000000a1.zip as holiday.zip for 43200 s
mail ana@example.com "Your frames are ready: \"holiday.mp4\"" "12 frames of \"holiday.\u{2060}mp4\" are ready as a zip.\n\nDownload the zip:\nhttps://s3.example/frames/0190a6a0-7c1e-7000-8000-000000000001/0190a6a0-7c1e-7000-8000-0000000000a1.zip?signed\n\nThis link works until 2026-01-02 00:00 UTC at the latest.\n\nYour videos, at any time:\nhttps://page.example\n\n--------\n\n12 quadros de \"holiday.\u{2060}mp4\" estão prontos em um zip.\n\nBaixar o zip:\nhttps://s3.example/frames/0190a6a0-7c1e-7000-8000-000000000001/0190a6a0-7c1e-7000-8000-0000000000a1.zip?signed\n\nEste link funciona no máximo até 2026-01-02 00:00 UTC.\n\nSeus vídeos, a qualquer momento:\nhttps://page.example\n"
update 0190a6a0-7c1e-7000-8000-0000000000a1: deliveries [(n1 2)]
reply error
