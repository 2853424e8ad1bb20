update 0190a6a0-7c1e-7000-8000-0000000000a1: deliveries [((id-1 2026-01-01T12:01:00Z) n2)]
mail ana@example.com "No frames from \"holiday.mp4\"" "No frames could be made of \"holiday.\u{2060}mp4\".\n\nWhy: the file is not a video\n\nYour videos, at any time:\nhttps://page.example\n\n--------\n\nNão foi possível obter quadros de \"holiday.\u{2060}mp4\".\n\nMotivo (em inglês): the file is not a video\n\nSeus vídeos, a qualquer momento:\nhttps://page.example\n"
update 0190a6a0-7c1e-7000-8000-0000000000a1: deliveries [(n2)]
reply {"batchItemFailures":[]}
