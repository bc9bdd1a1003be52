package main

import "github.com/spf13/cobra"

func initCommand() *cobra.Command    { return &cobra.Command{Use: "init"} }
func clientCommand() *cobra.Command  { return &cobra.Command{Use: "client"} }
func userCommand() *cobra.Command    { return &cobra.Command{Use: "user"} }
func tenantCommand() *cobra.Command  { return &cobra.Command{Use: "tenant"} }
func keyCommand() *cobra.Command     { return &cobra.Command{Use: "key"} }
func dialectCommand() *cobra.Command { return &cobra.Command{Use: "dialect"} }
func auditCommand() *cobra.Command   { return &cobra.Command{Use: "audit"} }
