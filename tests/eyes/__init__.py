"""The pages as recipients have them: in a real Chromium, by eye, by keyboard and read aloud."""
