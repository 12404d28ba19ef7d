"""What `leger doctor` looks at. Each check stands alone and works while services are down."""
