"""What two services need and no leger noun names: errors, gRPC servers and clients, principals."""
