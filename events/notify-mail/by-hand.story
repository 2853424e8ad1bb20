mail ana@example.com "Your frames are ready: \"v1\"" "The frames of \"v1\" are ready as a zip.\n\nYour videos, at any time:\nhttps://page.example\n\n--------\n\nOs quadros de \"v1\" estão prontos em um zip.\n\nSeus vídeos, a qualquer momento:\nhttps://page.example\n"
reply null
