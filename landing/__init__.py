"""The public face: pages behind personal links that catch what people answer."""
